"""Public warnings: drafted, issued by a second person as CAP, told to named persons with receipts, judged after."""
