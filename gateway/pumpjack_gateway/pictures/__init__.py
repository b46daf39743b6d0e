"""Process pictures: an SVG and what it shows, checked before anybody sees it."""
