"""One YAML file a module: options, commands, topics, statistics and log messages. Data only."""
