"""The second factor: a code from an app beside the password, and recovery codes for the day the app is lost."""
