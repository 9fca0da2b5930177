"""What was said, kept for its owner as long as the agency says, and erasable by its key."""
