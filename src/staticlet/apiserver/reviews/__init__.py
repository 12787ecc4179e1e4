"""Questions that are asked by creating an object: who am I, may I, is this token right."""
