-- Healthy when the worker runs what is asked for. A device that is off for service degrades nothing:
-- it is said in the message.
local conditions = {}
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    conditions[condition.type] = condition
  end
end

local ready, stalled = conditions.Ready, conditions.Stalled
if ready == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end
if stalled ~= nil and stalled.status == "True" then
  return {status = "Degraded", message = stalled.message}
end
if ready.status ~= "True" then
  return {status = "Progressing", message = ready.message}
end
if ready.reason == "Suspended" then
  return {status = "Suspended", message = ready.message}
end

local flowing = conditions.DataFlowing
if flowing ~= nil and flowing.status ~= "True" then
  return {status = "Healthy", message = ready.message .. "; " .. flowing.message}
end
return {status = "Healthy", message = ready.message}
