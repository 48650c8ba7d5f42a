"""The two files an operator writes: manifest and roster, read strictly."""
