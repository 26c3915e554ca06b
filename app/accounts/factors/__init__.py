"""The second factor: a passkey, or a code from an app beside the password; recovery codes for the day it is lost."""
