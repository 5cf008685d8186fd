"""All that a person or a script gets to see. Only this package imports rich; stdout is data, stderr the story."""
