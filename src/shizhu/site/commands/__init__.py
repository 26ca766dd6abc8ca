"""One module per verb of the `shizhu` command: `options(parser)` and `main(options)`."""
