"""What is alerted on, by dashboard: each alert guards a panel of the dashboard of the same name."""
