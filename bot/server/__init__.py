"""The running server: its parts, health, figures, logs, clocks and files, and its connections."""
