"""What a run goes by: the options, the configuration file, the project's folder and the environment."""
