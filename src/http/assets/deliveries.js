// Deliveries: seen as they go, and sent again in place.

import { tend } from "./tend.js";

tend(["deliveries"], 5);
