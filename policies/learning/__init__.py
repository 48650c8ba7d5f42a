"""What the record suggests, and never applies."""
