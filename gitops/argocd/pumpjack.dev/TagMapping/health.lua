-- Healthy when every tag is read. A mapping may be there before its connections: it waits for them.
local accepted = nil
if obj.status ~= nil and obj.status.conditions ~= nil then
  for _, condition in ipairs(obj.status.conditions) do
    if condition.type == "MappingsAccepted" then
      accepted = condition
    end
  end
end

if accepted == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "the operator has not looked at it yet"}
end
if accepted.status == "True" then
  return {status = "Healthy", message = accepted.message}
end
if accepted.reason == "NoConnection" then
  return {status = "Progressing", message = accepted.message}
end
return {status = "Degraded", message = accepted.message}
