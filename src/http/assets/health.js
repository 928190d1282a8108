// Health: as it is now.

import { tend } from "./tend.js";

tend(["health"], 10);
