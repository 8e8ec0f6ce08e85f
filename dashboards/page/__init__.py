"""The page: boards, events, alerts and SQL in a browser, served by this machine to the people on it."""
