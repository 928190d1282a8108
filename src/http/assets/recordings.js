// Recordings: new ones appear by themselves; what plays goes on playing.

import { tend } from "./tend.js";

tend(["usage", "recordings"], 15);
