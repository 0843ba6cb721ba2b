Console.Error.WriteLine("belfry: no verbs yet");
return 2;
