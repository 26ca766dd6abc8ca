"""People, organisations, areas, rights, audit, files, events, jobs, packs, documents."""
