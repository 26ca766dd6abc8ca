"""Pure parts: when something may be sent, what a channel is sent, how a signature is made."""
