// Who may come in: nothing moves here, but times are the reader's own.

import "./base.js";
