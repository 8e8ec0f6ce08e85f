"""The online monitors: findings in, signals out."""
