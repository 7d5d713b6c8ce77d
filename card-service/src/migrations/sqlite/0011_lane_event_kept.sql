-- A terminal may show faults without end; what is looked for at one number of its lanes stays little.
-- A tap that took its number although something was wrong with it: two at most for each number.
CREATE INDEX lane_event_taken ON lane_event (terminal_id, lane, counter) WHERE kind <> 2;
-- Numbers that a lane left out: the next one that it came to says from where on.
CREATE INDEX lane_event_gap ON lane_event (terminal_id, lane, counter) WHERE expected < counter;
