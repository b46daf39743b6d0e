"""History for charts: few columns, in which every extreme and the worst quality stay."""
