"""Who looks at which well now."""
