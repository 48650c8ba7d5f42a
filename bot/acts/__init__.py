"""What a person can do, one file each: its button, its form, how the form is read, and what it does."""
