// Jobs and deliveries: seen as they go, and tried again in place.

import { tend } from "./tend.js";

tend(["jobs", "deliveries"], 3);
