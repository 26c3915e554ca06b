"""The pages: one file a family, named like its folder of templates."""
