/** The name under which processes that share a store keep the record of their settings, see SharedStore. */
export const settingsNote = "settings";
