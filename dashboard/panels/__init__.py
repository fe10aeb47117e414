"""What the pages share: the panel, its drawings and texts, filters, and the queries to both tiers."""
