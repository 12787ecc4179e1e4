"""What the server can do, as clients ask for it before anything else; made of the kinds."""
