"""What is wrong, or will be: checks of the configuration, the cluster, the topics and what lies on them."""
