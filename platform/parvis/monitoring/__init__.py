"""What an operator's monitoring reads: counted figures and a look into the rooms, on one page."""
