// Customers, bookings and calls to review: what is linked meanwhile appears by itself.

import { tend } from "./tend.js";

tend(["customer", "context", "bookings", "calls", "booking", "timeline", "review"], 5);
