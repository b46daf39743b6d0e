-- A well has up to six key tags: the first three are columns of overviews, all of them count into figures.
SET LOCAL ROLE pumpjack_owner;

DO $$
DECLARE
    v_before text := 'ORDER BY k.position LIMIT 3)';
    v_name regprocedure := 'pumpjack.declare_wells(integer, jsonb)';
    v_text text := pg_get_functiondef(v_name);
BEGIN
    IF cardinality(string_to_array(v_text, v_before)) <> 2 THEN
        RAISE EXCEPTION '% is not as this migration knows it', v_name;
    END IF;
    EXECUTE replace(v_text, v_before, 'ORDER BY k.position LIMIT 6)');
END
$$;
