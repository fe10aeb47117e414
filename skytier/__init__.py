"""What every part of Skytier shares: settings, the event contract, both tiers, files, errors and the command line."""
