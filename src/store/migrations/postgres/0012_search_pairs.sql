-- Words side by side are marked too: every call goes into the index anew when the database is opened.
UPDATE search_calls SET version = NULL;
