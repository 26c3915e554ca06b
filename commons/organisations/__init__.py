"""Who is asking: the town or hall that runs this installation, and the pages it writes about itself."""
