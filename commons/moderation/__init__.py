"""Taking something off the pages in public: by which rule, for which reason, since when, and until when."""
