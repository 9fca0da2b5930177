"""What the law wants to be seen."""
