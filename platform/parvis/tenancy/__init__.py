"""For which agency: the agencies' files, read once and checked whole."""
