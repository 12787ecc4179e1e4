"""Small loops that keep the objects in step with each other."""
