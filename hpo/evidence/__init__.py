"""What a study's trials support: importance of parameters, intervals."""
