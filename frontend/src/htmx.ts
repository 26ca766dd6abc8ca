// Attributes of pages ask and swap; none of them is a program.
import htmx from "htmx.org";

htmx.config.allowEval = false;
