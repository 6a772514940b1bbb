function f(rec)
 rec.a = 99; aerospike:update(rec); error("1000:Invalid value")
end
function io1(rec) return tostring(io)..tostring(os.execute)..tostring(debug)..tostring(package)..tostring(string.dump) end
function spin(rec) while true do pcall(function() while true do end end) end end
function big(rec) local t="x" while true do t=t..t end end
function r(rec) return map{a=1,b=list{1,2}}, 5 end
function m(rec) local x=map{a=1,b=list{1,2}} return tostring(x) end
 function p(rec) rec.a={1,2} end