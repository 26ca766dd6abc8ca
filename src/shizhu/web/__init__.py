"""Page shell, design tokens, widgets, generic pages that engines and packs fill."""
