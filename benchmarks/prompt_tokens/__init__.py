"""What the short prompt saves in each request."""
