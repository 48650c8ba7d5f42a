"""What `policy check` finds in them."""
