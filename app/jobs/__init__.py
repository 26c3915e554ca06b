"""Work that nobody waits for at a page: done by one worker of many, exactly once."""
