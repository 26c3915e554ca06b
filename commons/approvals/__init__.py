"""Two pairs of eyes: what one official asks for, a second one decides, and both reasons stay."""
