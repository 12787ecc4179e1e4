"""What is set and refused between authorization and the store."""
