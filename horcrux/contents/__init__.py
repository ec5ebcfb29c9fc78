"""What is in an image, and what is known against it."""
