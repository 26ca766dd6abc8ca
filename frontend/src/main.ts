import "@tabler/core/dist/css/tabler.min.css";
import "./style.css";
import "htmx.org";
